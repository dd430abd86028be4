import type { AlertToSet } from '@tollgate/contract'

/** What an alert is known by: what it watches for, so that the same one cannot be set twice. */
export function alertIdOf(alert: AlertToSet): string {
  switch (alert.type) {
    case 'quota_threshold':
      return `alert_quota_${alert.threshold}`
    case 'daily_limit':
      return `alert_daily_${alert.threshold}`
    case 'error_rate':
      return `alert_errors_${alert.threshold}_${alert.window_minutes}m`
  }
}
