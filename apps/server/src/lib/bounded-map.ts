/**
 * A map that forgets what was not looked at for longest, roughly, when it is full. Two halves: when
 * the younger is full it becomes the older, and what was the older is gone. It takes the room of what
 * is in it, and forgetting costs nothing, however many strangers come.
 */
export class BoundedMap<V> {
  private younger = new Map<string, V>()
  private older = new Map<string, V>()
  private readonly halfMax: number

  constructor(max: number) {
    this.halfMax = Math.ceil(max / 2)
  }

  get(key: string): V | undefined {
    const value = this.younger.get(key)
    if (value !== undefined) return value
    const old = this.older.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: string, value: V): void {
    if (this.younger.size >= this.halfMax && !this.younger.has(key)) {
      this.older = this.younger
      this.younger = new Map()
    }
    this.younger.set(key, value)
    this.older.delete(key)
  }

  delete(key: string): boolean {
    const isYoung = this.younger.delete(key)
    return this.older.delete(key) || isYoung
  }

  get size(): number {
    return this.younger.size + this.older.size
  }
}
