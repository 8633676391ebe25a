#!lua name=copa_1
-- Functions of the replay. Each is called with one key, the run's state, in whose hash slot all of the run's
-- keys live; the others are derived from it. Counters change nowhere else.

local DIGEST = '@DIGEST@'

-- Episode numbers may have been leased in the second that a restarted server lost: skip what could be among them.
local EPISODE_JUMP = 1048576
local VERSION_JUMP = 1000

local FIELDS = {
  'life',
  'capacity', 'minimum', 'batch', 'steps_per_update', 'tolerance', 'total_steps', 'free_running', 'closed',
  'steps', 'inserted', 'position', 'sampled', 'warmup_steps', 'lost', 'duplicates', 'episodes', 'restarts',
}

local life

-- Identity of this server process.
local function current_life()
  if not life then
    life = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
  end
  return life
end

local function milliseconds()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function prefix_of(state_key)
  return string.sub(state_key, 1, -6)
end

local function load_state(key)
  local values = redis.call('HMGET', key, unpack(FIELDS))
  if not values[2] then return nil end
  local state = { life = values[1] }
  for index = 2, #FIELDS do
    state[FIELDS[index]] = tonumber(values[index]) or 0
  end
  state.segments = math.min(state.position, state.capacity)
  return state
end

-- Notes a restart of the server since the run's state was last written.
local function notice_restart(key, state)
  local now = current_life()
  if state.life ~= now then
    state.life = now
    state.restarts = state.restarts + 1
    state.episodes = state.episodes + EPISODE_JUMP
    redis.call('HSET', key, 'life', now, 'restarts', state.restarts, 'episodes', state.episodes)
  end
end

local function actors_reason(state)
  if state.steps >= state.total_steps then return 'finished' end
  if state.free_running == 1 or state.segments < state.minimum then return '' end
  local owed = state.batch * (state.steps - state.warmup_steps) - state.sampled * state.steps_per_update
  if owed > state.tolerance * state.batch * state.steps_per_update then return 'actors ahead' end
  return ''
end

local function learner_reason(state, batch)
  local played = state.steps >= state.total_steps
  if state.segments == 0 then return played and 'finished' or 'warming up' end
  if not played and state.segments < state.minimum then return 'warming up' end
  if state.free_running == 1 then return played and 'finished' or '' end
  local after = (state.sampled + batch) * state.steps_per_update
  if after > state.batch * state.total_steps then return played and 'finished' or 'learner ahead' end
  if played then return '' end
  if after > state.batch * (state.steps + state.tolerance * state.steps_per_update) then return 'learner ahead' end
  return ''
end

-- Milliseconds until an actor asks again: all actors together ask about a hundred times a second.
local function actor_wait(key, reason)
  if reason == '' or reason == 'finished' then return 0 end
  local actors = redis.call('ZCARD', prefix_of(key) .. 'actors')
  return math.min(2000, math.max(20, 10 * actors))
end

local function admission(key, state, status)
  local reason = actors_reason(state)
  return { status, state.steps, actor_wait(key, reason), reason, state.segments }
end

-- Whether (incarnation, token) may act for the actor id; an id unknown here was forgotten by a restart.
local function holds(held, incarnation, token)
  local known = tonumber(held[1]) or 0
  return incarnation > known or (incarnation == known and held[2] == token)
end

-- Records number first + 1 to first + count of the push into the slots from `slot` on, and the bytes beside them.
local function write(prefix, slot, generation, args, first, count)
  local slots = prefix .. 'slot:'
  local writes = {}
  for index = 1, count do
    writes[2 * index - 1] = slots .. (slot + index - 1)
    writes[2 * index] = args[8 + first + index]
  end
  redis.call('MSET', unpack(writes))
  redis.call('SETRANGE', prefix .. 'side:flags', slot, string.sub(args[8], first + 1, first + count))
  redis.call('SETRANGE', prefix .. 'side:generations', 4 * slot,
    string.rep(struct.pack('<I4', generation), count))
end

-- args: actor, incarnation, token, number, steps_total (-1: told by a later part), segments_total, lease_ms,
-- flags (one byte per record), records...; elsewhere: the records are in a shard, and the totals alone count here
local function push(keys, args, elsewhere)
  local key = keys[1]
  local prefix = prefix_of(key)
  local state = load_state(key)
  if not state then return { 'gone' } end
  local actor_key = prefix .. 'actor:' .. args[1]
  local incarnation, number = tonumber(args[2]), tonumber(args[4])
  local held = redis.call('HMGET', actor_key, 'incarnation', 'token', 'number', 'steps', 'segments')
  if not holds(held, incarnation, args[3]) then return { 'superseded' } end
  if state.closed == 1 then return { 'restoring', state.steps, 200, 'restoring', state.segments } end
  notice_restart(key, state)
  redis.call('ZADD', prefix .. 'actors', milliseconds() + tonumber(args[7]), args[1])
  local seen, steps, segments = -1, 0, 0
  if incarnation == tonumber(held[1]) then
    seen, steps, segments = tonumber(held[3]), tonumber(held[4]), tonumber(held[5])
  end
  if number <= seen then
    redis.call('HINCRBY', key, 'duplicates', 1)
    return admission(key, state, 'repeated')
  end

  local segments_total = tonumber(args[6])
  local count = #args[8]
  if elsewhere then
    count = math.max(0, segments_total - segments)
  elseif count > 0 then
    local slot = state.position % state.capacity
    local generation = math.floor(state.position / state.capacity) + 1
    local before_end = math.min(count, state.capacity - slot)
    write(prefix, slot, generation, args, 0, before_end)
    if count > before_end then
      write(prefix, 0, generation + 1, args, before_end, count - before_end)
    end
  end

  local steps_total = tonumber(args[5])
  if steps_total < 0 then steps_total = steps end
  local played = math.max(0, steps_total - steps)
  if state.segments < state.minimum then
    state.warmup_steps = state.warmup_steps + played
  end
  state.steps = state.steps + played
  state.inserted = state.inserted + count
  state.position = state.position + count
  state.lost = state.lost + math.max(0, segments_total - segments - count)
  state.segments = math.min(state.position, state.capacity)
  redis.call('HSET', key, 'steps', state.steps, 'warmup_steps', state.warmup_steps, 'inserted', state.inserted,
    'position', state.position, 'lost', state.lost)
  redis.call('HSET', actor_key, 'incarnation', incarnation, 'token', args[3], 'number', number,
    'steps', math.max(steps, steps_total), 'segments', math.max(segments, segments_total))
  return admission(key, state, 'ok')
end

-- args: as of push, without records
local function tell(keys, args)
  return push(keys, args, true)
end

-- args: actor, incarnation, token, lease_ms; an incarnation that is new here supersedes those before it
local function renew_actor(keys, args)
  local state = load_state(keys[1])
  if not state then return { 'gone' } end
  local prefix = prefix_of(keys[1])
  local actor_key, incarnation = prefix .. 'actor:' .. args[1], tonumber(args[2])
  local held = redis.call('HMGET', actor_key, 'incarnation', 'token')
  if not holds(held, incarnation, args[3]) then return { 'superseded' } end
  if incarnation ~= tonumber(held[1]) then
    redis.call('HSET', actor_key, 'incarnation', incarnation, 'token', args[3], 'number', -1, 'steps', 0, 'segments', 0)
  end
  redis.call('ZADD', prefix .. 'actors', milliseconds() + tonumber(args[4]), args[1])
  return admission(keys[1], state, 'ok')
end

-- args: actor, incarnation, token
local function release_actor(keys, args)
  local prefix = prefix_of(keys[1])
  local held = redis.call('HMGET', prefix .. 'actor:' .. args[1], 'incarnation', 'token')
  if not held[1] or not holds(held, tonumber(args[2]), args[3]) then return 0 end
  return redis.call('ZREM', prefix .. 'actors', args[1])
end

local function admission_only(keys)
  local state = load_state(keys[1])
  if not state then return { 'gone' } end
  return admission(keys[1], state, 'ok')
end

-- args: token, lease_ms; the smallest id that nobody holds
local function lease_actor(keys, args)
  local state = load_state(keys[1])
  if not state then return { 'gone' } end
  if state.closed == 1 then return { 'restoring' } end
  notice_restart(keys[1], state)
  local prefix = prefix_of(keys[1])
  local now = milliseconds()
  local actor = 0
  while true do
    local expiry = redis.call('ZSCORE', prefix .. 'actors', actor)
    if not expiry or tonumber(expiry) <= now then break end
    actor = actor + 1
  end
  local actor_key = prefix .. 'actor:' .. actor
  local incarnation = redis.call('HINCRBY', actor_key, 'incarnation', 1)
  redis.call('HSET', actor_key, 'token', args[1], 'number', -1, 'steps', 0, 'segments', 0)
  redis.call('ZADD', prefix .. 'actors', now + tonumber(args[2]), actor)
  return { 'ok', actor, incarnation }
end

-- args: count
local function lease_episodes(keys, args)
  local state = load_state(keys[1])
  if not state then return { 'gone' } end
  if state.closed == 1 then return { 'restoring' } end
  notice_restart(keys[1], state)
  redis.call('HSET', keys[1], 'episodes', state.episodes + tonumber(args[1]))
  return { 'ok', state.episodes }
end

-- Whether (owner, term, token) may act for the run; a newer term than the known one was forgotten by a restart.
local function owns(key, term, token)
  local held = redis.call('HMGET', key, 'term', 'token')
  local known = tonumber(held[1]) or 0
  return term > known or (term == known and held[2] == token), term > known
end

-- args: owner, term, token, lease_ms; of a run that is there
local function renew_owner(keys, args)
  local key = prefix_of(keys[1]) .. 'owner'
  local allowed, forgotten = owns(key, tonumber(args[2]), args[3])
  if not allowed then return { 'superseded', redis.call('HGET', key, 'owner') } end
  if forgotten then
    redis.call('HSET', key, 'owner', args[1], 'term', args[2], 'token', args[3], 'drawn', 0)
  end
  redis.call('HSET', key, 'expires', milliseconds() + tonumber(args[4]))
  return { 'ok' }
end

-- args: term, token
local function release_owner(keys, args)
  local key = prefix_of(keys[1]) .. 'owner'
  if not load_state(keys[1]) or not owns(key, tonumber(args[1]), args[2]) then return 0 end
  return redis.call('HSET', key, 'expires', 0)
end

-- args: owner, term, token, lease_ms, batch, drawn (segments this term has been permitted, this batch included), and
-- where the records are in shards, how many these hold now
local function permit(keys, args)
  local key = keys[1]
  local state = load_state(key)
  if not state then return { 'gone' } end
  local renewed = renew_owner(keys, args)
  if renewed[1] ~= 'ok' then return renewed end
  notice_restart(key, state)
  local owner_key = prefix_of(key) .. 'owner'
  local batch, drawn, fill = tonumber(args[5]), tonumber(args[6]), tonumber(args[7])
  if fill then
    state.position, state.segments = fill, fill
    redis.call('HSET', key, 'position', fill)
  end
  local known = tonumber(redis.call('HGET', owner_key, 'drawn'))
  local reason = ''
  if drawn > known then
    state.sampled = state.sampled + math.max(0, drawn - batch - known)
    known = math.max(known, drawn - batch)
    reason = learner_reason(state, batch)
    if reason == '' then
      state.sampled = state.sampled + drawn - known
      known = drawn
    end
    redis.call('HSET', owner_key, 'drawn', known)
    redis.call('HSET', key, 'sampled', state.sampled)
  end
  local wait = 0
  if reason == 'warming up' then wait = 100 elseif reason == 'learner ahead' then wait = 10 end
  return { 'ok', wait, reason, state.steps, state.inserted, state.segments, state.position, state.sampled, state.life }
end

-- args: owner, token, schema, lease_ms, take_over, restore, sampled (-1: as it is), then name and value of each limit
local function claim(keys, args)
  local key = keys[1]
  local prefix = prefix_of(key)
  local owner_key = prefix .. 'owner'
  local schema = redis.call('GET', prefix .. 'schema')
  if schema and schema ~= args[3] then return { 'schema', schema } end
  local held = redis.call('HMGET', owner_key, 'owner', 'expires')
  local now = milliseconds()
  local state = load_state(key)
  if schema and held[1] and held[1] ~= args[1] and args[5] ~= '1' then
    local left = (tonumber(held[2]) or 0) - now
    if left > 0 then return { 'alive', held[1], left } end
    if state and state.steps + state.inserted > 0 then
      return { 'foreign', held[1], state.steps, state.inserted }
    end
  end
  local created = 0
  if not schema or not state then
    created = 1
    redis.call('SET', prefix .. 'schema', args[3])
    redis.call('HSET', key, 'life', current_life(), 'closed', args[6], 'steps', 0, 'inserted', 0, 'position', 0,
      'sampled', 0, 'warmup_steps', 0, 'lost', 0, 'duplicates', 0, 'episodes', 0, 'restarts', 0)
  elseif state.closed == 1 then
    created = 1
    redis.call('HSET', key, 'closed', args[6])
  end
  redis.call('HSET', key, unpack(args, 8))
  local sampled = tonumber(args[7])
  if state and sampled >= 0 and sampled < state.sampled then
    redis.call('HSET', key, 'sampled', sampled)
  end
  local term = redis.call('HINCRBY', owner_key, 'term', 1)
  redis.call('HSET', owner_key, 'owner', args[1], 'token', args[2], 'drawn', 0, 'expires', now + tonumber(args[4]))
  return { 'ok', term, created }
end

-- args: position, counters of actors as JSON, then name and value of each counter; on an empty replay only
local function restore(keys, args)
  local key = keys[1]
  local state = load_state(key)
  if not state then return { 'gone' } end
  if state.position > 0 or state.steps > 0 then return { 'occupied', state.steps, state.position } end
  redis.call('HSET', key, 'position', args[1], 'closed', 0, unpack(args, 3))
  for actor, held in pairs(cjson.decode(args[2])) do
    redis.call('HSET', prefix_of(key) .. 'actor:' .. actor, 'incarnation', held[1], 'token', held[2],
      'number', held[3], 'steps', held[4], 'segments', held[5])
  end
  return { 'ok' }
end

-- args: take_over; forgets who owns the run and that it exists, so that its other keys can be deleted in peace
local function forget(keys, args)
  local prefix = prefix_of(keys[1])
  local held = redis.call('HMGET', prefix .. 'owner', 'owner', 'expires')
  local left = (tonumber(held[2]) or 0) - milliseconds()
  if args[1] ~= '1' and left > 0 then return { 'alive', held[1], left } end
  redis.call('DEL', keys[1], prefix .. 'schema', prefix .. 'owner')
  return { 'ok' }
end

local function status(keys)
  local key = keys[1]
  local state = load_state(key)
  if not state then return { 'gone' } end
  local prefix = prefix_of(key)
  local now = milliseconds()
  local owner = redis.call('HMGET', prefix .. 'owner', 'owner', 'expires')
  local reply = {
    'ok', actors_reason(state), learner_reason(state, state.batch), state.segments,
    redis.call('ZCOUNT', prefix .. 'actors', '(' .. string.format('%.0f', now), '+inf'),
    owner[1] or '', (tonumber(owner[2]) or 0) > now and 1 or 0, state.life,
  }
  for index = 2, #FIELDS do
    reply[#reply + 1] = FIELDS[index]
    reply[#reply + 1] = state[FIELDS[index]]
  end
  return reply
end

-- args: least version to issue; called with the hash of the weights
local function next_version(keys, args)
  local known = redis.call('HMGET', keys[1], 'version', 'life')
  local version = (tonumber(known[1]) or 0) + 1
  if known[2] and known[2] ~= current_life() then version = version + VERSION_JUMP end
  version = math.max(version, tonumber(args[1]))
  redis.call('HSET', keys[1], 'version', version, 'life', current_life())
  return version
end

local function register(name, callback, ...)
  redis.register_function { function_name = 'copa_1_' .. name, callback = callback, flags = { ... } }
end

register('digest', function() return DIGEST end, 'no-writes')
register('push', push)
register('tell', tell)
register('admission', admission_only, 'no-writes')
register('status', status, 'no-writes')
register('lease_actor', lease_actor, 'allow-oom')
register('renew_actor', renew_actor, 'allow-oom')
register('release_actor', release_actor, 'allow-oom')
register('lease_episodes', lease_episodes, 'allow-oom')
register('claim', claim, 'allow-oom')
register('release_owner', release_owner, 'allow-oom')
register('permit', permit, 'allow-oom')
register('restore', restore, 'allow-oom')
register('forget', forget, 'allow-oom')
register('next_version', next_version, 'allow-oom')
