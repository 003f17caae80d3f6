export type JournalState = { readonly status: 'ok' } | { readonly status: 'degraded'; readonly reason: string };
