import { ProcessTableError } from '../errors.js';

/** One process as Win32_Process describes it. */
export interface CimProcess {
  readonly pid: number;
  /** 0 where the parent has ended and its pid belongs to a younger process now. */
  readonly ppid: number;
  /** Creation time in units of 100 ns; empty where it may not be read. */
  readonly startToken: string;
  readonly name: string;
  /** Absent for processes of others, unless this one is elevated. */
  readonly commandLine: string | undefined;
  readonly memoryBytes: number;
  readonly cpuMs: number;
}

export interface CimSnapshot {
  /** The installation's id, or empty. */
  readonly machineGuid: string;
  /** In pid order. */
  readonly processes: readonly CimProcess[];
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
/** CIM's 64-bit numbers come as JSON numbers or as text, by version. */
const amount = (value: unknown): number => (value === null ? 0 : Number(value ?? 0)) || 0;

const UNITS_PER_MS = 10_000;

const toProcess = (fields: unknown): CimProcess => {
  const pid = isFields(fields) ? fields.ProcessId : undefined;
  if (!isFields(fields) || typeof pid !== 'number' || !Number.isInteger(pid)) {
    throw new ProcessTableError('cim-failed', 'the CIM query answered with a process without a pid');
  }
  const ticks = text(fields.CreationTicks);
  return {
    pid,
    ppid: amount(fields.ParentProcessId),
    startToken: /^\d+$/.test(ticks) ? ticks : '',
    name: text(fields.Name),
    commandLine: text(fields.CommandLine) || undefined,
    memoryBytes: amount(fields.WorkingSetSize),
    cpuMs: Math.round((amount(fields.KernelModeTime) + amount(fields.UserModeTime)) / UNITS_PER_MS),
  };
};

/** Windows never changes a parent pid, not even when the parent has ended and the pid went to somebody else. */
const withoutStepparents = (processes: readonly CimProcess[]): CimProcess[] => {
  const starts = new Map(processes.map(({ pid, startToken }) => [pid, startToken]));
  return processes.map((child) => {
    const parent = starts.get(child.ppid) ?? '';
    const younger = parent !== '' && child.startToken !== '' && BigInt(parent) > BigInt(child.startToken);
    return younger ? { ...child, ppid: 0 } : child;
  });
};

/** Parses the JSON of `QueryCim`. Throws `cim-failed` for anything else, and for a listing without anybody. */
export const parseCim = (json: string): CimSnapshot => {
  let answer: unknown;
  try {
    answer = JSON.parse(json);
  } catch (cause) {
    throw new ProcessTableError('cim-failed', 'the CIM query did not answer with JSON', { cause });
  }
  const listed = isFields(answer) ? answer.Processes : undefined;
  // ConvertTo-Json makes a list of one its only element.
  const processes = (Array.isArray(listed) ? listed : [listed]).map(toProcess);
  if (processes.length === 0) throw new ProcessTableError('cim-failed', 'the CIM query listed nobody');
  return {
    machineGuid: isFields(answer) ? text(answer.MachineGuid).toLowerCase() : '',
    processes: withoutStepparents(processes).sort((a, b) => a.pid - b.pid),
  };
};
