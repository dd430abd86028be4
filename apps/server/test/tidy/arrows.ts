import { type Import, importsOf } from './imports.ts'
import { isTest, type SourceFile } from './source-tree.ts'

const DOORS = ['http', 'mqtt', 'jobs']
const ROOMS = [
  'ledger',
  'access',
  'catalog',
  'analytics',
  'billing',
  'retention',
  'alerts',
  'delivery',
  'feed',
]

/** What each layer may import besides itself: main → doors → rooms → db, lib, limits → contract. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  main: ['main', 'door', 'room', 'db', 'lib', 'limits', 'contract'],
  door: ['room', 'db', 'lib', 'limits', 'contract'],
  room: ['room', 'db', 'lib', 'limits', 'contract'],
  db: ['db', 'lib', 'limits', 'contract'],
  lib: ['lib', 'limits', 'contract'],
  limits: ['contract'],
  contract: ['contract'],
}

type Place = { layer: string; folder: string }

/** Imports that go against the arrows, and folders that have no place among them. */
export function wrongArrows(files: readonly SourceFile[]): string[] {
  return ours(files).flatMap((file) => {
    const place = placeOf(file.path)
    if (place === null) return [`${file.path}: this folder has no place among the layers`]
    return importsOf(file).flatMap((arrow) => wrong(place, arrow) ?? [])
  })
}

/** Rooms that import each other, directly or through others: one line for each circle. */
export function circlesOfRooms(files: readonly SourceFile[]): string[] {
  const arrows = importsBetween(files).flatMap(({ from, to }) => {
    const [here, there] = [placeOf(from), placeOf(to)]
    const rooms = here?.layer === 'room' && there?.layer === 'room'
    return rooms && here.folder !== there.folder ? [[here.folder, there.folder] as const] : []
  })
  return circles(arrows)
}

/** Files that import each other, directly or through others: one line for each circle. */
export function circlesOfFiles(files: readonly SourceFile[]): string[] {
  return circles(importsBetween(files).map(({ from, to }) => [from, to] as const))
}

function ours(files: readonly SourceFile[]): SourceFile[] {
  const isOurs = ({ path }: SourceFile) => /^(apps\/server|packages\/contract)\/src\//.test(path)
  return files.filter((file) => isOurs(file) && !isTest(file.path))
}

function importsBetween(files: readonly SourceFile[]): Import[] {
  const known = ours(files)
  const paths = new Set(known.map(({ path }) => path))
  return known.flatMap(importsOf).filter(({ to }) => paths.has(to))
}

function placeOf(path: string): Place | null {
  if (path.startsWith('packages/contract/')) return { layer: 'contract', folder: 'contract' }
  const within = /^apps\/server\/src\/(.+)$/.exec(path)?.[1]
  if (within === undefined) return null
  const folder = within.includes('/') ? within.split('/')[0]! : ''
  if (folder === '') return { layer: within === 'limits.ts' ? 'limits' : 'main', folder }
  if (DOORS.includes(folder)) return { layer: 'door', folder }
  if (ROOMS.includes(folder)) return { layer: 'room', folder }
  return folder === 'db' || folder === 'lib' ? { layer: folder, folder } : null
}

function wrong(here: Place, { from, to, line }: Import): string | null {
  const there = placeOf(to)
  const arrow = `${from}:${line} imports ${to}`
  if (there === null) return `${arrow}, which is no part of the server`
  const same = here.layer === there.layer && here.folder === there.folder
  if (!same && to.endsWith('/store.ts')) return `${arrow}: only its own room may know a store`
  if (same || MAY_IMPORT[here.layer]!.includes(there.layer)) return null
  return `${arrow}: ${here.layer} may not import ${there.layer}`
}

function circles(arrows: readonly (readonly [from: string, to: string])[]): string[] {
  const next = new Map<string, Set<string>>()
  for (const [from, to] of arrows) next.set(from, (next.get(from) ?? new Set()).add(to))
  const found: string[] = []
  const done = new Set<string>()
  const visit = (node: string, path: string[]) => {
    const since = path.indexOf(node)
    if (since >= 0) found.push([...path.slice(since), node].join(' → '))
    if (since >= 0 || done.has(node)) return
    for (const target of next.get(node) ?? []) visit(target, [...path, node])
    done.add(node)
  }
  for (const node of next.keys()) visit(node, [])
  return found
}
