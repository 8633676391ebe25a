"""Files of an episode, by their ending."""

from pathlib import Path

from copa.errors import ConfigError, UnavailableError
from copa.extras import installing
from copa.rendering.recording import Recording
from copa.rendering.scene import Scene

ENDINGS = (".html", ".gif", ".mp4")


def check_ending(path: Path) -> None:
    """Raises ConfigError for an ending that is not one of `ENDINGS`."""
    if path.suffix.lower() not in ENDINGS:
        raise ConfigError(f"--output {path} ends in {path.suffix!r}; allowed endings: {', '.join(ENDINGS)}")


def write(path: Path, recording: Recording, *, fps: float = 8.0, width: int = 960) -> None:
    """Write `recording` to `path`, whole or not at all; `width` in pixels is for .gif and .mp4.

    Raises:
        ConfigError: an ending that is not one of `ENDINGS`.
        UnavailableError: a library for this ending is missing, or the file cannot be written.
    """
    check_ending(path)
    scene = Scene(recording)
    ending = path.suffix.lower()
    partial = path.with_name(f"{path.name}.partial")
    try:
        if ending == ".html":
            from copa.rendering.web_page import write_html

            write_html(partial, scene, fps=fps)
        elif ending == ".gif":
            from copa.rendering.animation import write_gif

            write_gif(partial, scene, width=width, fps=fps)
        else:
            from copa.rendering.video import write_mp4

            write_mp4(partial, scene, width=width, fps=fps)
        partial.replace(path)
    except ImportError as error:
        raise UnavailableError(
            f"{ending} needs {error.name}, which is not installed: {installing('render')}; .html needs nothing more"
        ) from None
    except OSError as error:
        raise UnavailableError(f"--output {path} cannot be written: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)
