/** Rehearsals have numbers of their own: those of real invoices stay without gaps and without them. */
export function seriesOf(kind: 'INV' | 'CN', isTest: boolean): string {
  return isTest ? `TEST-${kind}` : kind
}

export function numberText(kind: 'INV' | 'CN', isTest: boolean, no: number): string {
  return `${seriesOf(kind, isTest)}-${String(no).padStart(6, '0')}`
}
