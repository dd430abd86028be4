import { posix } from 'node:path'
import { lineAt, scan } from './scan.ts'
import type { SourceFile } from './source-tree.ts'

/** One file that names another, for its types alone as well. */
export type Import = { from: string; to: string; line: number }

const WORKSPACE_PACKAGES: Record<string, string> = {
  '@tollgate/contract': 'packages/contract/src/index.ts',
  '@tollgate/client': 'packages/client/src/index.ts',
}

/** What a file imports of this repository: `import`, `export … from`, `import()`, types included. */
export function importsOf({ path, text }: SourceFile): Import[] {
  const { code, literals } = scan(text)
  return literals.flatMap(({ at, text: specifier }) => {
    if (!/\b(from|import|import\s*\()$/.test(code.slice(0, at).trimEnd())) return []
    const to = resolved(path, specifier)
    return to === null ? [] : [{ from: path, to, line: lineAt(text, at) }]
  })
}

function resolved(path: string, specifier: string): string | null {
  if (specifier.startsWith('.')) return posix.join(posix.dirname(path), specifier)
  return WORKSPACE_PACKAGES[specifier] ?? null
}
