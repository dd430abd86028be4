const REDRAW_MS = 200
const FRAMES = '⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'
const CLEAR_LINE = '\r\x1b[K'

/** One line that says what takes time and how long already; it disappears at the end. On stderr: stdout may be a file. */
export function showProgress(what, quiet) {
  if (quiet) return { end() {} }
  if (!process.stderr.isTTY) {
    process.stderr.write(`${what} ...\n`)
    return { end() {} }
  }
  const since = Date.now()
  let frame = 0
  const draw = () => {
    const seconds = Math.floor((Date.now() - since) / 1_000)
    frame = (frame + 1) % FRAMES.length
    process.stderr.write(`${CLEAR_LINE}${FRAMES[frame]} ${what} ... ${seconds} s`)
  }
  draw()
  const timer = setInterval(draw, REDRAW_MS)
  return {
    end() {
      clearInterval(timer)
      process.stderr.write(CLEAR_LINE)
    },
  }
}
