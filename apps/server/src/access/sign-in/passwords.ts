import { randomBytes } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import { ProblemError } from '../../lib/problem-error.ts'
import {
  PASSWORD_HASH_MEMORY_KIB,
  PASSWORD_HASH_PASSES_COUNT,
  PASSWORD_HASH_THREADS_COUNT,
  PASSWORD_HASHES_RUNNING_MAX,
  PASSWORD_HASHES_WAITING_MAX,
} from '../../limits.ts'
import { checkPassword, normalised, type PasswordOwner } from './password-rules.ts'

/** Argon2id is what the library makes when it is not told otherwise. */
const OPTIONS = {
  memoryCost: PASSWORD_HASH_MEMORY_KIB,
  timeCost: PASSWORD_HASH_PASSES_COUNT,
  parallelism: PASSWORD_HASH_THREADS_COUNT,
}

/** Hashes of passwords, a few at a time: each costs memory and a thread. */
export class Passwords {
  /** Hashes that were made or compared. */
  hashesCount = 0
  private running = 0
  private readonly waiting: (() => void)[] = []
  /** Of a password that nobody knows: what is compared where there is no person. */
  private readonly nobodys = hash(randomBytes(32).toString('base64'), OPTIONS)

  constructor() {
    // Whoever needs it hears of the failure then.
    this.nobodys.catch(() => undefined)
  }

  /**
   * The hash of a password that somebody chose, if it follows the rules.
   * @throws ProblemError invalid_request that names `field`, overloaded
   */
  hashNew(password: string, owner: PasswordOwner, field = 'password'): Promise<string> {
    checkPassword(password, owner, field)
    return this.inTurn(() => hash(normalised(password), OPTIONS))
  }

  /**
   * Whether a password is the one of a hash. Without a hash it is compared all the same: how long it
   * takes must not say who exists.
   * @throws ProblemError overloaded
   */
  async verify(hashed: string | null, password: string): Promise<boolean> {
    const compared = hashed ?? (await this.nobodys)
    const same = await this.inTurn(() => verify(compared, normalised(password)))
    return same && hashed !== null
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.running < PASSWORD_HASHES_RUNNING_MAX) this.running += 1
    else await this.turn()
    this.hashesCount += 1
    try {
      return await work()
    } finally {
      const next = this.waiting.shift()
      // Who waits takes over the place of who is done.
      if (next === undefined) this.running -= 1
      else next()
    }
  }

  private turn(): Promise<void> {
    if (this.waiting.length >= PASSWORD_HASHES_WAITING_MAX) throw new ProblemError('overloaded')
    return new Promise((resolve) => this.waiting.push(resolve))
  }
}
