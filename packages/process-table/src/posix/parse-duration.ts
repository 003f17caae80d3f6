/**
 * Seconds of what ps writes for a time span: `[[dd-]hh:]mm:ss[.cc]` (POSIX ps, `etime` and `time`; the BSDs let the minutes grow
 * beyond 59). Undefined for anything else, such as the `-` of a process that has none.
 */
export const parseDuration = (text: string): number | undefined => {
  const match = /^(?:(\d+)-)?(?:(\d+):)?(\d+):(\d\d(?:\.\d+)?)$/.exec(text);
  if (match === null) return undefined;
  const [, days = '0', hours = '0', minutes, seconds] = match;
  return ((Number(days) * 24 + Number(hours)) * 60 + Number(minutes)) * 60 + Number(seconds);
};
