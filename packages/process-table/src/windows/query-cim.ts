import { join } from 'node:path/win32';
import { type ProgramLimits, runProgram } from '../run-program.js';

/** Asks Windows for all processes and returns the JSON that `parseCim` reads. Rejects with `cim-failed`. */
export type QueryCim = () => Promise<string>;

export interface QueryCimOptions extends Partial<ProgramLimits> {
  /** Default: `%SystemRoot%`. */
  readonly systemRoot?: string;
}

/** A cold start of PowerShell takes seconds on a busy machine. */
const LIMITS: ProgramLimits = { timeoutMs: 15_000, maxBytes: 64 * 1024 * 1024 };

// Ticks are written as text: they are beyond what a JSON number keeps. Without the encoding, names come in the console's code page.
const SCRIPT = `
$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
[Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false
$machine = try { (Get-ItemProperty 'HKLM:\\SOFTWARE\\Microsoft\\Cryptography').MachineGuid } catch { '' }
$processes = Get-CimInstance Win32_Process | Select-Object ProcessId, ParentProcessId, Name, CommandLine, SessionId,
  WorkingSetSize, KernelModeTime, UserModeTime,
  @{ n = 'CreationTicks'; e = { if ($_.CreationDate) { [string]$_.CreationDate.ToUniversalTime().Ticks } } }
ConvertTo-Json -Compress -Depth 3 -InputObject @{ MachineGuid = $machine; Processes = @($processes) }
`;

/** The program by its absolute path: a `powershell.exe` in the working directory or in PATH is not asked. */
export const powershellPath = (systemRoot: string): string =>
  join(systemRoot, 'System32', 'WindowsPowerShell', 'v1.0', 'powershell.exe');

export const POWERSHELL_ARGUMENTS: readonly string[] = ['-NoLogo', '-NoProfile', '-NonInteractive', '-Command', SCRIPT];

export const createQueryCim = (options: QueryCimOptions = {}): QueryCim => {
  const { systemRoot = process.env.SystemRoot ?? 'C:\\Windows', ...limits } = options;
  const run = {
    program: powershellPath(systemRoot),
    args: POWERSHELL_ARGUMENTS,
    // Nothing of ours but what PowerShell needs to find its modules.
    environment: { SystemRoot: systemRoot },
    code: 'cim-failed',
    ...LIMITS,
    ...limits,
  } as const;
  return async () => (await runProgram(run)).stdout;
};
