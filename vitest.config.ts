export { config as default } from './vitest.shared.ts';
