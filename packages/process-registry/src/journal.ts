export { isJournalError, JournalError, type JournalErrorCode } from './journal/errors.js';
export { type JournalFs, nodeJournalFs } from './journal/file-system.js';
export { type Journal, type JournalOptions, type JournalState, openJournal } from './journal/open-journal.js';
export { type ReadJournalOptions, readJournal } from './journal/read-journal.js';
