/** What is wrong with a command, for whoever typed it. */
export class UsageError extends Error {
  override name = 'UsageError'
}
