import type { CreditNoteRow } from '../credit-notes/store.ts'
import type { InvoiceRow } from '../invoices/store.ts'
import type { Issued } from './replay.ts'
import type { StepRow } from './store.ts'
import type { Differ } from './types.ts'

/** Whether everything that was done to a tenant's documents has its step, once, and nothing else has. */
export function compareSteps(
  steps: readonly StepRow[],
  taken: number,
  issued: Issued,
  differ: Differ,
): void {
  const found = new Set(steps.map(({ kind, documentId }) => `${kind} ${documentId}`))
  const missing = steps.findIndex(({ no }, index) => no !== index + 1)
  if (missing !== -1) differ(null, `step ${missing + 1} of its documents is missing`)
  if (taken !== steps.length) {
    differ(null, `${taken} steps of its documents were taken, ${steps.length} are there`)
  }
  for (const { invoice_id: id, number, status } of issued.invoices.values()) {
    if (!found.has(`invoice ${id}`)) differ(number, 'has no step at which it was issued')
    const wasVoided = found.has(`void ${id}`)
    if (status === 'void' && !wasVoided)
      differ(number, 'is void, and there is no step that made it so')
    if (status !== 'void' && wasVoided)
      differ(number, `is ${status}, and there is a step that made it void`)
  }
  for (const { credit_note_id: id, number } of issued.notes.values()) {
    if (!found.has(`credit_note ${id}`)) differ(number, 'has no step at which it was issued')
  }
  compareDocuments(steps, issued, differ)
}

/** What was issued says at which step, unless it is older than steps: then it comes before the others. */
function compareDocuments(steps: readonly StepRow[], issued: Issued, differ: Differ): void {
  let older = true
  for (const { no, kind, documentId } of steps) {
    const row = documentOf(issued, documentId)
    if (row === undefined) {
      differ(null, `step ${no} is of a document that is not there`)
      continue
    }
    if (kind === 'void') {
      older = false
      continue
    }
    const { no: said } = row.document
    if (said !== undefined) older = false
    if (said === undefined ? older : said === no) continue
    differ(row.number, `was issued at step ${no}, it says ${said ?? 'none'}`)
  }
}

function documentOf(
  { invoices, notes }: Issued,
  id: string,
): InvoiceRow | CreditNoteRow | undefined {
  return invoices.get(id) ?? notes.get(id)
}
