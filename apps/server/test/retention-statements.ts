import { newAccount } from './ledger-accounts.ts'

/** Months are made when a node starts; this one is detached and dropped. */
export const PARTITION_OF_A_TEST = `CREATE TABLE entry_of_a_test PARTITION OF entry
  FOR VALUES FROM ('1999-01-01') TO ('1999-02-01')`

/** What each statement by which lines go is run with, by folder. A statement that is new must be added here. */
export const RETENTION_STATEMENTS: Record<string, Record<string, readonly unknown[]>> = {
  'ledger/cuts': {
    readCut: [1],
    readCuts: [1],
    insertCut: [
      {
        tenantNo: 1,
        account: newAccount('open'),
        keptFrom: 0,
        keyed: { lines: 1, seqs: 1n },
        hash: '00',
      },
    ],
    readLastingEntries: [1, { afterSeq: 0, throughSeq: 1 }],
    readUnswept: [1, 0],
    readVoidedLater: [1, 1],
    deletePage: [1, { seq: 1, afterSeq: 0, keptFrom: 0, kept: [], limit: 10 }],
    markSwept: [1, 1],
  },
  retention: {
    readTenantsToCut: [0, 10],
    readPartitions: [],
    readColumns: [],
    isNearlyEmpty: ['entry_of_a_test', 10],
    detachPartition: ['entry_of_a_test'],
    moveToDefault: ['entry_of_a_test', ['tenant_no', 'seq']],
    dropTable: ['entry_of_a_test'],
  },
  'retention/archive': {
    tryToLock: [],
    readMonths: [],
    readArchivePage: [
      { from: 0, to: 1, tenantId: null, after: { tenantNo: 0, seq: 0 }, limit: 10 },
    ],
  },
}
