const RULE = {
  tenantNo: 1,
  alertId: 'alert_quota_80',
  type: 'quota_threshold',
  threshold: 80,
  windowMinutes: null,
  enabled: true,
  notifyEmail: true,
  createdAt: 0,
  raised: null,
}

/** What each statement about alerts is run with, by folder. A statement that is new must be added here. */
export const ALERT_STATEMENTS: Record<string, Record<string, readonly unknown[]>> = {
  alerts: {
    lockAlertsOf: [1],
    writeRule: [1, RULE],
    readRules: [1],
    readDueRules: [
      { tenantNo: 0, alertId: '' },
      { limit: 10, errorRateSeconds: 10 },
    ],
    markChecked: [[{ rule: RULE, lastSeq: 1 }]],
    limitHolding: [10],
    holdRule: [RULE],
    markRaised: [RULE, { occasion: 'o', seq: 1, at: 0 }],
    readQuotaAlert: [1],
    deleteRule: [1, 'alert_quota_80'],
  },
}
