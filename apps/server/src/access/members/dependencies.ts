import type pg from 'pg'
import type { Clock } from '../../lib/clock.ts'
import type { Directory } from '../directory.ts'

export type MemberDependencies = { pool: pg.Pool; clock: Clock; directory: Directory }
