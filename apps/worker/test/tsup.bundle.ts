import type { Options } from 'tsup';
import config from '../tsup.config.ts';

/** The command alone, for tests: the libraries are read from source there. */
const bundle: Options[] = config.slice(-1);

export default bundle;
