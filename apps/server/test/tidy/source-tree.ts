import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A file of the repository: its path from the root, with forward slashes, and its text. */
export type SourceFile = { path: string; text: string }

const NOT_OURS = new Set(['node_modules', 'coverage', '.git', '.tollgate'])
const CODE = /\.(ts|tsx|mts|js|jsx|mjs|sql)$/

/** Paths of all files of the repository, whether they are committed yet or not. */
export function pathsBelow(root: string, folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (NOT_OURS.has(entry.name)) return []
    return entry.isDirectory() ? pathsBelow(root, path) : [path]
  })
}

export function readCode(root: string, paths: readonly string[]): SourceFile[] {
  return paths
    .filter((path) => CODE.test(path))
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
}

export function isTest(path: string): boolean {
  return path.endsWith('.test.ts') || path.startsWith('apps/server/test/')
}
