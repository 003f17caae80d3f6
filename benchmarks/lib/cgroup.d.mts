export interface Mount {
  readonly path: string;
  readonly root: string;
}
export function directoryIn(mount: Mount, membership: string): string | undefined;
export function findMount(mountinfo: string): Mount | undefined;
