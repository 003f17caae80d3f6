import type { Containment } from '@cm/shutdown-cascade';

/** How the processes of rows are held. */
export interface RowContainment extends Containment {
  /** The settings ask for this tier by name: whoever cannot have it is not started. */
  readonly insisted: boolean;
}
