/** The value below which a share of the samples lies, by the nearest rank: with few samples the 99th percentile is the largest. */
export const percentile = (samples, share) => {
  if (samples.length === 0) return null;
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
};

export const median = (samples) => {
  if (samples.length === 0) return null;
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
};

/** Three significant digits are more than such figures carry; zero and null stay what they are. */
export const rounded = (value) => (value === null ? null : Number(value.toPrecision(3)));

export const summarize = (samples) => ({
  n: samples.length,
  medianMs: rounded(median(samples)),
  minMs: rounded(percentile(samples, 0)),
  maxMs: rounded(percentile(samples, 1)),
  p95Ms: rounded(percentile(samples, 0.95)),
  p99Ms: rounded(percentile(samples, 0.99)),
});

/** How many times slower than the baseline; null where one of the two has no figure. */
export const ratio = (value, baseline) =>
  value === null || baseline === null || baseline === undefined || baseline === 0 ? null : rounded(value / baseline);
