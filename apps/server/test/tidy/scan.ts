/**
 * A program with everything that is not code blanked: the inside of strings, templates and regular
 * expressions, and comments. Each character keeps its place, so positions and lines stay true.
 */
export type Scan = { code: string; literals: Literal[] }

/** A string in quotes; `at` is where its first quote stands. */
export type Literal = { at: number; text: string }

const WORDS_BEFORE_REGEX = new Set(
  'return typeof case in of delete void throw new else do await yield instanceof'.split(' '),
)

export function scan(text: string): Scan {
  return new Scanner(text).run()
}

class Scanner {
  private at = 0
  private code = ''
  private readonly literals: Literal[] = []
  /** For each template that is open: how many braces are open in its expression. */
  private readonly templates: number[] = []
  private readonly text: string

  constructor(text: string) {
    this.text = text
  }

  run(): Scan {
    while (this.at < this.text.length) this.step()
    return { code: this.code, literals: this.literals }
  }

  private step(): void {
    const { text, at } = this
    const two = text.slice(at, at + 2)
    const one = two[0]!
    if (two === '//') this.blankTo(endOf(text, at, '\n'))
    else if (two === '/*') this.blankTo(endOf(text, at + 2, '*/') + 2)
    else if (one === "'" || one === '"') this.quoted(one)
    else if (one === '`') this.template(at + 1)
    else if (one === '/' && this.regexEnd() > 0) this.blankTo(this.regexEnd())
    else if (one === '}' && this.templates.at(-1) === 0) {
      this.templates.pop()
      this.template(at + 1)
    } else {
      const open = this.templates.length - 1
      if (open >= 0 && one === '{') this.templates[open]! += 1
      if (open >= 0 && one === '}') this.templates[open]! -= 1
      this.code += one
      this.at += 1
    }
  }

  private quoted(quote: string): void {
    const end = unescaped(this.text, this.at + 1, (c) => c === quote)
    this.literals.push({ at: this.at, text: this.text.slice(this.at + 1, end) })
    this.code += quote
    this.at += 1
    this.blankTo(end)
    this.code += quote
    this.at = end + 1
  }

  /** From inside a template to its end, or to the next expression in it. */
  private template(from: number): void {
    const { text } = this
    const end = unescaped(text, from, (c, i) => c === '`' || (c === '$' && text[i + 1] === '{'))
    if (text[end] === '$') {
      this.templates.push(0)
      this.blankTo(end + 2)
    } else this.blankTo(end + 1)
  }

  /** Where the regular expression that begins here ends; 0: it is a division. */
  private regexEnd(): number {
    const before = this.code.trimEnd()
    const word = /[A-Za-z_$][\w$]*$/.exec(before)?.[0]
    const operand =
      word === undefined ? /[\w$)\]}'"`]$/.test(before) : !WORDS_BEFORE_REGEX.has(word)
    if (operand) return 0
    let inClass = false
    const end = unescaped(this.text, this.at + 1, (c) => {
      if (c === '[') inClass = true
      if (c === ']') inClass = false
      return c === '\n' || (c === '/' && !inClass)
    })
    return this.text[end] === '/' ? end + 1 : 0
  }

  private blankTo(end: number): void {
    this.code += this.text.slice(this.at, end).replace(/[^\n]/g, ' ')
    this.at = Math.min(end, this.text.length)
  }
}

function endOf(text: string, from: number, mark: string): number {
  const found = text.indexOf(mark, from)
  return found < 0 ? text.length : found
}

/** The first position from `from` on that is wanted and does not follow a backslash. */
function unescaped(text: string, from: number, wanted: (c: string, at: number) => boolean): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at += 1
    else if (wanted(text[at]!, at)) return at
  }
  return text.length
}

export function lineAt(text: string, at: number): number {
  return text.slice(0, at).split('\n').length
}
