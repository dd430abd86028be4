import type { StoredEntry } from '../src/ledger/entry-row.ts'
import type { Log } from '../src/ledger/log.ts'
import type { Entry, SenderNo } from '../src/ledger/types.ts'

/** A log of one tenant as a database gives it back: what a request reported is not kept. */
export function logInMemory(
  tenantNo: number,
  written: readonly { entry: Entry; senderNo: SenderNo }[],
): Log {
  const lines = written.map(({ entry, senderNo }): StoredEntry => {
    const call = entry.call && { ...entry.call, reportedCredits: null, reportedPremium: null }
    return { ...entry, call, tenantNo, senderNo }
  })
  return {
    under: async () => null,
    cut: async () => null,
    length: async () => lines.length,
    changes: async () => lines.filter(({ kind }) => kind === 'open' || kind === 'change'),
    after: async (afterSeq, limit) => lines.slice(afterSeq, afterSeq + limit),
    lines: async (seqs) => lines.filter(({ seq }) => seqs.includes(seq)),
    voids: async (throughSeq) =>
      new Map(
        lines
          .filter(({ kind, seq }) => kind === 'void' && seq <= throughSeq)
          .map(({ seq, detail }) => [Number(detail!.voided_seq), seq]),
      ),
    about: async (_stretch, { afterSeq, throughSeq, limit }) =>
      lines.filter(({ seq }) => seq > afterSeq && seq <= throughSeq).slice(0, limit),
  }
}
