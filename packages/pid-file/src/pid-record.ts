/** What the PID file says of the worker that wrote it. Its first five process fields are a `ProcessIdentity`. */
export interface PidRecord {
  readonly schema: 1;
  readonly pid: number;
  readonly startToken: string;
  readonly bootId: string;
  readonly machineId: string;
  readonly pidNs: string;
  readonly port: number;
  readonly address: string;
  /** ISO 8601, when the claim was acquired. */
  readonly startedAt: string;
  readonly version: string;
  readonly protocol: number;
  /** The real path of the data directory. */
  readonly dataDir: string;
  /** Of this acquisition alone: a restarted worker has another one. */
  readonly instanceId: string;
  /** Whoever reads this file sends `client`; only the true worker answers with `worker`. */
  readonly proof: { readonly client: string; readonly worker: string };
}

export type RecordCheck =
  | { readonly ok: true; readonly record: PidRecord }
  | { readonly ok: false; readonly reason: string };

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isBetween = (value: unknown, least: number, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most;

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** An empty one stands for "could not be read" when the identity was recorded. */
const isToken = (value: unknown): value is string => typeof value === 'string';

const wrong = (field: string, expected: string): RecordCheck => ({
  ok: false,
  reason: `its "${field}" is not ${expected}`,
});

/** Takes a parsed JSON document for a record, or says why it is none. Fields it does not know are dropped. */
export const checkRecord = (value: unknown): RecordCheck => {
  if (!isObject(value)) return { ok: false, reason: 'it does not hold a JSON object' };
  const { schema, pid, startToken, bootId, machineId, pidNs, port, address } = value;
  const { startedAt, version, protocol, dataDir, instanceId, proof } = value;
  if (isBetween(schema, 2, Number.MAX_SAFE_INTEGER)) {
    return { ok: false, reason: `a newer version wrote it (schema ${schema})` };
  }
  if (schema !== 1) return wrong('schema', 'one this version knows');
  if (!isBetween(pid, 2, 2 ** 31 - 1)) return wrong('pid', 'the pid of a process');
  if (!isToken(startToken)) return wrong('startToken', 'a text');
  if (!isToken(bootId)) return wrong('bootId', 'a text');
  if (!isToken(machineId)) return wrong('machineId', 'a text');
  if (!isToken(pidNs)) return wrong('pidNs', 'a text');
  if (!isBetween(port, 1, 65_535)) return wrong('port', 'a port');
  if (!isText(address)) return wrong('address', 'an address');
  if (!isText(startedAt) || Number.isNaN(Date.parse(startedAt))) return wrong('startedAt', 'a time');
  if (!isText(version)) return wrong('version', 'a version');
  if (!isBetween(protocol, 0, Number.MAX_SAFE_INTEGER)) return wrong('protocol', 'a protocol number');
  if (!isText(dataDir)) return wrong('dataDir', 'a path');
  if (!isText(instanceId)) return wrong('instanceId', 'an id');
  if (!isObject(proof) || !isText(proof.client) || !isText(proof.worker)) return wrong('proof', 'a pair of secrets');
  return {
    ok: true,
    record: {
      schema,
      pid,
      startToken,
      bootId,
      machineId,
      pidNs,
      port,
      address,
      startedAt,
      version,
      protocol,
      dataDir,
      instanceId,
      proof: { client: proof.client, worker: proof.worker },
    },
  };
};
