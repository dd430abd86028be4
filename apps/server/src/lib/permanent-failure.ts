/** What would fail again however often it is tried: a job that ends so is given up, and logged. */
export class PermanentFailure extends Error {}
