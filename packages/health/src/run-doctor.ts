import type { Check, CheckReport, CheckResult } from './check.js';
import { timerDelay } from './timer-delay.js';

export interface DoctorOptions {
  /** How long each check may take, in milliseconds. They run at the same time. Default 2000. */
  readonly timeoutMs?: number;
}

export interface DoctorReport {
  /** No check failed. Warnings do not count. */
  readonly ok: boolean;
  /** In the order of the checks given. */
  readonly checks: CheckReport[];
}

const fail = (detail: string): CheckResult => ({ status: 'fail', detail });

const isResult = (value: unknown): value is CheckResult =>
  typeof value === 'object' &&
  value !== null &&
  'status' in value &&
  (value.status === 'pass' || value.status === 'warn' || value.status === 'fail') &&
  'detail' in value &&
  typeof value.detail === 'string';

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const runCheck = async (check: Check, timeoutMs: number): Promise<CheckReport> => {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(() => {
      // Decided before the signal: a check that ends by throwing because of it has still run out of time.
      resolve(fail(`no answer within ${timeoutMs} ms`));
      controller.abort();
    }, timerDelay(timeoutMs));
  });
  // In a function of its own, so that what `run` throws at once is a rejection too.
  const answer = (async () => check.run(controller.signal))().then(
    (result) => (isResult(result) ? result : fail('the check gave no result')),
    (error: unknown) => fail(`the check threw: ${messageOf(error)}`),
  );
  try {
    const { status, detail, fix } = await Promise.race([answer, timeout]);
    return { id: check.id, status, detail, ...(fix === undefined ? {} : { fix }) };
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Runs every check at the same time and each on its own: one that throws or takes longer than `timeoutMs` is a `fail`
 * that says so, its signal is aborted, and the others are not disturbed. Never rejects, and leaves no timer behind.
 */
export const runDoctor = async (
  checks: readonly Check[],
  { timeoutMs = 2000 }: DoctorOptions = {},
): Promise<DoctorReport> => {
  const reports = await Promise.all(checks.map((check) => runCheck(check, timeoutMs)));
  return { ok: reports.every(({ status }) => status !== 'fail'), checks: reports };
};
