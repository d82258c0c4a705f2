/**
 * What an mDNS packet says about agents. Anybody on the network can send one, so all of it is unknown until it is read
 * here, within bounds, and nothing that is not the name of an instance is taken for one. SPEC.md, "Discovery".
 */
import { isIPv4 } from 'node:net';
import * as v from 'valibot';
import { type AnnouncementTxt, InstanceName, readAnnouncementTxt, SERVICE_DOMAIN } from '../../protocol/discovery.js';
import {
  CANDIDATE_ADDRESSES_MAX_COUNT,
  DISCOVERY_QUESTIONS_MAX_COUNT,
  DISCOVERY_RECORDS_MAX_COUNT,
  PORT_MIN,
} from '../../protocol/limits.js';

/** One agent's announcement, as a packet had it. */
export interface Sighting extends AnnouncementTxt {
  readonly instance: InstanceName;
  readonly port: number;
  /** The addresses that the packet gives for its host: a claim. Where the packet came from is known better. */
  readonly hosts: readonly string[];
}

export interface Reading {
  readonly sightings: readonly Sighting[];
  /** Instances that say goodbye. */
  readonly goodbyes: readonly InstanceName[];
}

export interface Question {
  readonly name: string;
  readonly type: string;
}

/** RFC 1035: what a name can have in its written form. */
const NAME_MAX_CHARS = 255;
const name = v.pipe(v.string(), v.maxLength(NAME_MAX_CHARS), v.toLowerCase());
const ttl = v.pipe(v.number(), v.minValue(0));
const AnyRecord = v.variant('type', [
  v.object({ type: v.literal('PTR'), name, ttl, data: name }),
  v.object({ type: v.literal('A'), name, ttl, data: v.pipe(v.string(), v.check(isIPv4)) }),
  v.object({ type: v.literal('TXT'), name, ttl, data: v.unknown() }),
  v.object({
    type: v.literal('SRV'),
    name,
    ttl,
    data: v.object({
      target: name,
      port: v.pipe(v.number(), v.integer(), v.minValue(PORT_MIN), v.maxValue(65_535)),
    }),
  }),
]);
type AnyRecord = v.InferOutput<typeof AnyRecord>;

const Response = v.object({ answers: v.array(v.unknown()), additionals: v.array(v.unknown()) });
const Query = v.object({ questions: v.array(v.unknown()) });
const AnyQuestion = v.object({ name, type: v.pipe(v.string(), v.maxLength(16)) });

/** @param packet  a decoded response */
export function readResponse(packet: unknown): Reading {
  const records = readRecords(packet);
  const sightings: Sighting[] = [];
  const goodbyes = new Set<InstanceName>();
  for (const record of records) {
    if (record.ttl === 0) {
      const instance = record.type === 'PTR' && record.name === SERVICE_DOMAIN ? instanceOf(record.data) : null;
      if (instance !== null) goodbyes.add(instance);
      continue;
    }
    if (record.type !== 'SRV') continue;
    const instance = instanceOf(record.name);
    const text = records.find((one) => one.type === 'TXT' && one.ttl > 0 && one.name === record.name);
    const txt = readAnnouncementTxt(text?.data);
    if (instance === null || txt === null) continue;
    const hosts = records
      .filter((one) => one.type === 'A' && one.ttl > 0 && one.name === record.data.target)
      .map((one) => String(one.data));
    sightings.push({
      ...txt,
      instance,
      port: record.data.port,
      hosts: hosts.slice(0, CANDIDATE_ADDRESSES_MAX_COUNT),
    });
  }
  return { sightings, goodbyes: [...goodbyes] };
}

/**
 * The questions of a query that are about one of `names` (lower case), each once.
 * @param packet  a decoded query
 */
export function readQuestions(packet: unknown, names: readonly string[]): Question[] {
  const query = v.safeParse(Query, packet);
  if (!query.success) return [];
  const found = new Map<string, Question>();
  for (const item of query.output.questions.slice(0, DISCOVERY_QUESTIONS_MAX_COUNT)) {
    const question = v.safeParse(AnyQuestion, item);
    if (!question.success || !names.includes(question.output.name)) continue;
    found.set(`${question.output.type} ${question.output.name}`, question.output);
  }
  return [...found.values()];
}

function readRecords(packet: unknown): AnyRecord[] {
  const response = v.safeParse(Response, packet);
  if (!response.success) return [];
  const { answers, additionals } = response.output;
  const records: AnyRecord[] = [];
  for (const item of [...answers, ...additionals].slice(0, DISCOVERY_RECORDS_MAX_COUNT)) {
    const record = v.safeParse(AnyRecord, item);
    if (record.success) records.push(record.output);
  }
  return records;
}

function instanceOf(domain: string): InstanceName | null {
  if (!domain.endsWith(`.${SERVICE_DOMAIN}`)) return null;
  const label = v.safeParse(InstanceName, domain.slice(0, -SERVICE_DOMAIN.length - 1));
  return label.success ? label.output : null;
}
