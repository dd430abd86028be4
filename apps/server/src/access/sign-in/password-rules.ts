import { readFile } from 'node:fs/promises'
import { PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN } from '@tollgate/contract'
import { invalidField } from '../../lib/problem-error.ts'

/** What a password must not be made of. */
export type PasswordOwner = { email: string; name: string | null }

/** Characters that a password must have besides a well-known word. */
const OTHER_CHARS_MIN = 6
const DIFFERENT_CHARS_MIN = 5
/** Shorter parts of names and addresses are in many words by chance. */
const PART_CHARS_MIN = 4
const OUR_NAME = 'tollgate'
/** Neighbours on keyboards, as fingers walk them. Digits and the alphabet are looked at by themselves. */
const WALKS = [
  ...['qwertyuiop', 'qwertzuiop', 'azertyuiop', 'asdfghjkl', 'qsdfghjklm', 'zxcvbnm', 'yxcvbnm'],
  ...['1qaz', '2wsx', '3edc', '4rfv', '5tgb', '6yhn', '7ujm', '8ik', '9ol', '7890', '90'],
  ...['1q2w3e4r5t6y7u8i9o0p', 'q1w2e3r4t5y6u7i8o9p0', '!@#$%^&*()_+'],
]
const NEIGHBOURS = new Set(
  WALKS.flatMap((walk) => [...pairsOf(walk), ...pairsOf([...walk].reverse().join(''))]),
)
const LOOKALIKES: Record<string, string> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
}
const COMMON: readonly string[] = await readCommon()

/** The form that is hashed: the same text is the same password, however a keyboard composes it. */
export function normalised(password: string): string {
  return password.normalize('NFKC')
}

/**
 * Long enough, and not among the first that somebody would try.
 * @throws ProblemError invalid_request
 */
export function checkPassword(password: string, owner: PasswordOwner, field = 'password'): void {
  const chars = [...normalised(password)]
  if (chars.length < PASSWORD_CHARS_MIN) {
    throw invalidField(field, `needs at least ${PASSWORD_CHARS_MIN} characters`)
  }
  if (chars.length > PASSWORD_CHARS_MAX) {
    throw invalidField(field, `has more than ${PASSWORD_CHARS_MAX} characters`)
  }
  const text = chars.join('').toLowerCase()
  const weakness = repetition(text) ?? sequence(text) ?? madeOf(text, owner)
  if (weakness !== null) throw invalidField(field, weakness)
}

function repetition(text: string): string | null {
  const different = new Set(text).size
  if (different >= DIFFERENT_CHARS_MIN && !/^(.+?)\1+$/su.test(text)) return null
  return 'repeats itself; use more different characters'
}

/** 12345…, abcde…, qwerty…: three of four steps go from one character to its neighbour. */
function sequence(text: string): string | null {
  const steps = pairsOf(text)
  const predictable = steps.filter((pair) => {
    const [from, to] = [pair.codePointAt(0)!, pair.codePointAt(1)!]
    return Math.abs(from - to) <= 1 || NEIGHBOURS.has(pair)
  })
  if (predictable.length * 4 < steps.length * 3) return null
  return 'is a walk along the keyboard or the alphabet'
}

function madeOf(text: string, { email, name }: PasswordOwner): string | null {
  const plain = [...text].map((char) => LOOKALIKES[char] ?? char).join('')
  const isMadeOf = (words: readonly string[]) =>
    Math.min(leaves(text, words), leaves(plain, words)) < OTHER_CHARS_MIN
  const own = longestFirst([email, name ?? '', OUR_NAME].flatMap(partsOf))
  if (isMadeOf(own)) return 'is made of the e-mail address, the name or “Tollgate”'
  if (isMadeOf(COMMON)) return 'is one of the most common passwords, or close to one'
  return null
}

/** How many characters are left without these words, longest first, and without years. */
function leaves(text: string, words: readonly string[]): number {
  let rest = text.replaceAll(/(19|20)\d\d/g, '')
  for (const word of words) rest = rest.replaceAll(word, '')
  return rest.length
}

/** The whole, and what stands between signs. */
function partsOf(text: string): string[] {
  const lower = text.toLowerCase()
  const parts = lower.split(/[^\p{L}\p{N}]+/u).filter((part) => part.length >= PART_CHARS_MIN)
  return lower.length >= PART_CHARS_MIN ? [lower, lower.replaceAll(/\s/gu, ''), ...parts] : parts
}

/** Every two that stand beside each other. */
function pairsOf(text: string): string[] {
  const chars = [...text]
  return chars.slice(1).map((char, index) => `${chars[index]}${char}`)
}

async function readCommon(): Promise<string[]> {
  const text = await readFile(new URL('common-passwords.txt', import.meta.url), 'utf8')
  return longestFirst(text.split('\n').filter((line) => line !== ''))
}

function longestFirst(words: string[]): string[] {
  return words.sort((a, b) => b.length - a.length)
}
