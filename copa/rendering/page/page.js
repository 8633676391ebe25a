"use strict";

const episode = JSON.parse(document.getElementById("episode").textContent);
const frames = episode.frames;
const [WIDTH, HEIGHT] = episode.size;
const loads = frames.some((frame) => Object.values(frame.players).some((player) => player.load));
const HIDDEN = 0.22;
const FONT = "system-ui, sans-serif";

const element = (id) => document.getElementById(id);
const canvas = element("picture");
const context = canvas.getContext("2d");
const slider = element("slider");

let step = 0;
let pinned = null;
let hovered = null;
let timer = null;

/* One function for each kind of shape: disc, box, path, text. */
const draw = {
  d([x, y, radius, fill, line, width]) {
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    paint(fill, line, width);
  },
  b([x, y, width, height, fill, round]) {
    if (width <= 0 || height <= 0) return;
    context.beginPath();
    context.roundRect(x, y, width, height, Math.min(round, width / 2, height / 2));
    paint(fill);
  },
  p([points, fill, line, width]) {
    context.beginPath();
    for (let at = 0; at < points.length; at += 2) context.lineTo(points[at], points[at + 1]);
    if (fill) context.closePath();
    paint(fill, line, width);
  },
  t([x, y, text, size, colour, align, bold]) {
    context.font = `${bold ? "600 " : ""}${size}px ${FONT}`;
    context.textAlign = align === "middle" ? "center" : align;
    context.fillStyle = colour;
    context.fillText(text, x, y + size * 0.04);
  },
};

function paint(fill, line, width) {
  if (fill) {
    context.fillStyle = fill;
    context.fill();
  }
  if (line) {
    context.strokeStyle = line;
    context.lineWidth = width;
    context.stroke();
  }
}

function drawAll(shapes) {
  for (const [kind, ...fields] of shapes) draw[kind](fields);
}

function chosen() {
  const slot = hovered ?? pinned;
  return slot !== null && slot in frames[step].players ? slot : null;
}

/* The world; with one player chosen, only its sight, and what it does not see faded. */
function drawStage(frame, slot) {
  const player = slot === null ? null : frame.players[slot];
  context.save();
  context.beginPath();
  context.rect(...episode.stage);
  context.clip();
  for (const [row, viewer, ...shapes] of frame.stage) {
    if (player && viewer !== null && viewer !== slot) continue;
    const hidden = player && row !== null && row !== slot && !player.sees.includes(row);
    context.globalAlpha = hidden ? HIDDEN : 1;
    drawAll(shapes);
  }
  context.restore();
}

function drawPicture() {
  const ratio = (canvas.clientWidth * (window.devicePixelRatio || 1)) / WIDTH;
  const size = [Math.round(WIDTH * ratio), Math.round(HEIGHT * ratio)];
  if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.textBaseline = "middle";
  context.lineJoin = "round";
  const slot = chosen();
  drawAll(episode.background);
  if (slot !== null) {
    const [x, y, width, height] = episode.cards[slot];
    draw.b([x - 8, y + 1, width + 16, height - 2, "#1d23300d", 8]);
  }
  drawStage(frames[step], slot);
  drawAll(frames[step].panel);
}

/* Words in their order, repeated ones once with their number. */
function list(words) {
  const counts = new Map();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  const parts = [...counts].map(([word, count]) => (count > 1 ? `${word} × ${count}` : word));
  return parts.length ? parts.join(", ") : "nobody and nothing";
}

function described(slot) {
  const player = frames[step].players[slot];
  const told = frames.flatMap((frame, at) => (at <= step && frame.players[slot]?.told ? [at] : []));
  const sentences = [`sees ${list(player.sees.map((row) => episode.names[row]))}`];
  if (loads) sentences.push(player.load ? `carries a ${player.load}` : "carries nothing");
  const abilities = Object.entries(player.abilities).map(([name, value]) => `${name} ${value.toFixed(2)}`);
  if (abilities.length) sentences.push(abilities.join(", "));
  if (player.colour) {
    sentences.push(`strategy at (${player.strategy.map((value) => value.toFixed(2)).join(", ")})`);
    sentences.push(told.length ? `coach spoke at step ${told.slice(-6).join(", ")}` : "coach has not spoken");
  }
  return `${episode.names[slot]}: ${sentences.join(" · ")}`;
}

function summary() {
  const frame = frames[step];
  const words = [`step ${step} of ${frames.length - 1}`, `return ${frame.return.toFixed(1)}`];
  if (frame.eligible) words.push(`${frame.sent} of ${frame.eligible} strategies sent`);
  return `${words.join(" · ")}. Point at a player, or choose one, to see what it sees.`;
}

function showPlayers() {
  for (const button of element("players").children) {
    const slot = Number(button.dataset.slot);
    const player = frames[step].players[slot];
    button.disabled = !player;
    button.setAttribute("aria-pressed", String(pinned === slot));
    button.firstChild.style.background = player?.colour ?? "#8a93a5";
  }
}

function show() {
  slider.value = step;
  slider.setAttribute("aria-valuetext", `step ${step}`);
  document.body.dataset.step = step;
  const slot = chosen();
  element("details").textContent = slot === null ? summary() : described(slot);
  showPlayers();
  drawPicture();
}

function go(to) {
  step = Math.min(Math.max(to, 0), frames.length - 1);
  show();
}

function pause() {
  clearInterval(timer);
  timer = null;
  element("play").classList.remove("playing");
  element("play").setAttribute("aria-label", "play");
}

function play() {
  if (step === frames.length - 1) go(0);
  clearInterval(timer);
  timer = setInterval(advance, 1000 / (episode.fps * Number(element("speed").value)));
  element("play").classList.add("playing");
  element("play").setAttribute("aria-label", "pause");
}

function advance() {
  go(step + 1);
  if (step === frames.length - 1) pause();
}

function toggle() {
  if (timer === null) play();
  else pause();
}

function walk(steps) {
  pause();
  go(step + steps);
}

function pin(slot) {
  pinned = pinned === slot ? null : slot;
  show();
}

/* The player under the pointer: on the stage or its line in the panel. */
function playerAt(event) {
  const box = canvas.getBoundingClientRect();
  const x = ((event.clientX - box.left) * WIDTH) / box.width;
  const y = ((event.clientY - box.top) * HEIGHT) / box.height;
  for (const [slot, [left, top, width, height]] of Object.entries(episode.cards))
    if (x >= left && x <= left + width && y >= top && y <= top + height) return Number(slot);
  const near = Object.entries(frames[step].players)
    .map(([slot, { at }]) => [Math.hypot(at[0] - x, at[1] - y) - at[2], Number(slot)])
    .sort((one, other) => one[0] - other[0])[0];
  return near && near[0] < 12 ? near[1] : null;
}

function hover(slot) {
  if (slot === hovered) return;
  hovered = slot;
  show();
}

const keys = {
  " ": toggle,
  ArrowLeft: () => walk(-1),
  ArrowRight: () => walk(1),
  Home: () => walk(-frames.length),
  End: () => walk(frames.length),
  Escape: () => pin(pinned),
};

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
  const slot = /^[0-9]$/.test(event.key) && event.key in episode.cards ? Number(event.key) : null;
  const action = slot === null ? keys[event.key] : () => pin(slot);
  if (!action) return;
  if (event.key === " " && event.target.tagName === "BUTTON" && event.target.id !== "play") return;
  event.preventDefault();
  action();
}

/* A link may name a moment and a player: #step=37&agent=2 */
function follow() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  if (wanted.get("agent") in episode.cards) pinned = Number(wanted.get("agent"));
  go(Number(wanted.get("step")) || 0);
}

for (const slot of Object.keys(episode.cards)) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.slot = slot;
  button.append(document.createElement("i"), episode.names[slot]);
  button.addEventListener("click", () => pin(Number(slot)));
  element("players").append(button);
}
slider.max = frames.length - 1;
slider.addEventListener("input", () => walk(Number(slider.value) - step));
element("back").addEventListener("click", () => walk(-1));
element("forward").addEventListener("click", () => walk(1));
element("play").addEventListener("click", toggle);
element("speed").addEventListener("change", () => timer !== null && play());
canvas.addEventListener("pointermove", (event) => hover(playerAt(event)));
canvas.addEventListener("pointerleave", () => hover(null));
canvas.addEventListener("click", (event) => pin(playerAt(event)));
document.addEventListener("keydown", pressed);
window.addEventListener("resize", drawPicture);
window.addEventListener("hashchange", follow);
follow();
