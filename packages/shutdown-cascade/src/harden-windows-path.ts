/** Case does not count in the names of variables on Windows. */
const keyOf = (env: Readonly<Record<string, string | undefined>>, wanted: string): string =>
  Object.keys(env).find((name) => name.toLowerCase() === wanted.toLowerCase()) ?? wanted;

/**
 * What a Windows program must change in its environment before it looks for the system's tools by name, as tree-kill does: the system's own
 * directory first, so that no `taskkill.exe` of a directory earlier in the path is run, and no program from the working directory
 * (`NeedCurrentDirectoryForExePath`, Win32 API). Pure: returns the variables to set, under the names that they have.
 */
export const hardenWindowsPath = (env: Readonly<Record<string, string | undefined>>): Record<string, string> => {
  const root = env[keyOf(env, 'SystemRoot')] ?? 'C:\\Windows';
  const system = `${root}\\System32`;
  const path = keyOf(env, 'Path');
  const rest = (env[path] ?? '')
    .split(';')
    .filter((entry) => entry !== '' && entry.toLowerCase() !== system.toLowerCase());
  return {
    [path]: [system, ...rest].join(';'),
    [keyOf(env, 'NoDefaultCurrentDirectoryInExePath')]: '1',
  };
};
