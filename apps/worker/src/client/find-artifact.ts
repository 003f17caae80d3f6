import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A worker that can be started: the file, and what it says of itself in the `cm-worker.json` beside it. */
export interface Artifact {
  readonly entry: string;
  /** Undefined when the artifact does not say: then nothing may be concluded from it (field failure 5). */
  readonly version?: string;
  readonly protocol?: number;
}

export interface ArtifactSearch {
  /** `CM_WORKER_ENTRY`. When it is set, nothing else is looked at. */
  readonly override?: string | undefined;
  /** The directory of the file that searches. */
  readonly beside: string;
  /** `require.resolve`, for an installed `@cm/worker`. */
  readonly resolvePackage?: (name: string) => string;
}

const describe = (entry: string): Artifact => {
  try {
    const said: unknown = JSON.parse(readFileSync(join(dirname(entry), 'cm-worker.json'), 'utf8'));
    if (typeof said !== 'object' || said === null) return { entry };
    return {
      entry,
      ...('version' in said && typeof said.version === 'string' ? { version: said.version } : {}),
      ...('protocol' in said && typeof said.protocol === 'number' ? { protocol: said.protocol } : {}),
    };
  } catch {
    return { entry };
  }
};

const installed = ({ resolvePackage }: ArtifactSearch): string | undefined => {
  try {
    const manifest = resolvePackage?.('@cm/worker/package.json');
    return manifest === undefined ? undefined : join(dirname(manifest), 'dist', 'cm-worker.js');
  } catch {
    return undefined;
  }
};

/** The one rule by which the worker's artifact is found, for detection and for spawning alike (field failure 12). */
export const findArtifact = (search: ArtifactSearch): Artifact | undefined => {
  const candidates =
    search.override === undefined || search.override === ''
      ? [
          join(search.beside, 'cm-worker.js'),
          join(search.beside, '..', '..', 'worker', 'dist', 'cm-worker.js'),
          installed(search),
        ]
      : [search.override];
  const entry = candidates.find((candidate) => candidate !== undefined && existsSync(candidate));
  return entry === undefined ? undefined : describe(realpathSync(entry));
};
