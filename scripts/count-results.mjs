import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

/**
 * Counts a Vitest JSON report: `{ passed, failed, skipped, failures }`, where a failure is one line of text. What the
 * counters of the report leave out counts too: a file that could not be loaded, an error outside every test, no report.
 */
export const countResults = (file, exitCode, root) => {
  let report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return { passed: 0, failed: 1, skipped: 0, failures: [`no results (exit ${exitCode})`] };
  }
  const counted = { passed: 0, failed: 0, skipped: 0, failures: [] };
  const fail = (line) => {
    counted.failed += 1;
    counted.failures.push(line);
  };
  for (const { name, status, message, assertionResults } of report.testResults) {
    const path = relative(root, name);
    let failedHere = 0;
    for (const test of assertionResults) {
      if (test.status === 'passed') counted.passed += 1;
      else if (test.status === 'failed') {
        failedHere += 1;
        fail(`${path} > ${test.fullName}`);
      } else counted.skipped += 1;
    }
    if (status === 'failed' && failedHere === 0) fail(`${path}: ${(message || 'could not be run').split('\n')[0]}`);
  }
  if (exitCode !== 0 && counted.failed === 0) fail(`exit ${exitCode} although every test passed`);
  if (counted.passed + counted.failed + counted.skipped === 0) fail('no tests');
  return counted;
};
