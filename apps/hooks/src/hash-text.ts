const PRIME = 0x01000193;

/**
 * A cheap hash of text as 16 hexadecimal digits: FNV-1a in two lanes over UTF-16 units. It tells copies of one event from
 * other events of the same seconds; it protects nothing. `node:crypto` would cost more to load than the whole hook.
 */
export const hashText = (text: string): string => {
  let [first, second] = [0x811c9dc5, 0x9dc5811c];
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    first = Math.imul(first ^ unit, PRIME);
    second = Math.imul(second ^ unit ^ (first >>> 15), PRIME);
  }
  return [first, second].map((lane) => (lane >>> 0).toString(16).padStart(8, '0')).join('');
};
