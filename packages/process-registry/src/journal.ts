export { isJournalError, JournalError, type JournalErrorCode } from './journal/errors.js';
export { type JournalFs, nodeJournalFs } from './journal/file-system.js';
export type { JournalState } from './journal/journal-state.js';
export { type Journal, type JournalOptions, openJournal } from './journal/open-journal.js';
export { type JournalReading, type ReadJournalOptions, readJournal } from './journal/read-journal.js';
