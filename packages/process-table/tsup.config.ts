import type { Options } from 'tsup';
import { library } from '../../tsup.shared.ts';

const config: Options = library({ index: 'src/index.ts', testing: 'src/testing.ts' });

export default config;
