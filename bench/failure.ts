/** The bench could not measure, or found something wrong: exit code 1, unlike a bar that is missed. */
export class CannotMeasure extends Error {}
