/**
 * The values of `format` that are held to, as patterns; all others say nothing. Each allows a part of what its format
 * allows, never more.
 */
const DIGIT = '[0-9]';
const LEAP_YEAR = '(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)';
const DATE =
  `(?:${DIGIT}{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)` +
  `|02-(?:0[1-9]|1[0-9]|2[0-8]))|${LEAP_YEAR}-02-29)`;
const TIME =
  '(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])';
const LABEL = '[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?';
const HOST = `${LABEL}(?:\\.${LABEL}){1,4}`;
const BYTE = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const EMAIL = `^[a-z0-9_+-]{1,24}(?:\\.[a-z0-9_+-]{1,24}){0,3}@${HOST}$`;
const PATH = '(?:/[A-Za-z0-9._~-]*)*';
const QUERY = '(?:\\?[A-Za-z0-9._~&=-]*)?(?:#[A-Za-z0-9._~-]*)?';
const URI = `^https?://${HOST}${PATH}${QUERY}$`;
const GROUP = '[0-9a-f]{1,4}';
const IPV6 = `^(?:(?:${GROUP}:){7}${GROUP}|(?:${GROUP}:){1,6}:${GROUP}|(?:${GROUP}:){1,7}:|::(?:${GROUP}:){0,6}${GROUP}|::)$`;
const COUNT = '[0-9]{1,6}';
const POINTER = '(?:/(?:[A-Za-z0-9._-]|~[01])*)*';

const FORMATS: Readonly<Record<string, string>> = {
  date: `^${DATE}$`,
  time: `^${TIME}$`,
  'date-time': `^${DATE}T${TIME}$`,
  duration: `^P(?:(?=[0-9T])(?:${COUNT}Y)?(?:${COUNT}M)?(?:${COUNT}D)?(?:T(?=[0-9])(?:${COUNT}H)?(?:${COUNT}M)?(?:${COUNT}S)?)?|${COUNT}W)$`,
  uuid: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
  email: EMAIL,
  'idn-email': EMAIL,
  hostname: `^${HOST}$`,
  'idn-hostname': `^${HOST}$`,
  ipv4: `^${BYTE}(?:\\.${BYTE}){3}$`,
  ipv6: IPV6,
  uri: URI,
  url: URI,
  iri: URI,
  'uri-reference': `^(?:https?://${HOST}|(?:/[A-Za-z0-9._~-]+)?)(?:/[A-Za-z0-9._~-]+)*/?${QUERY}$`,
  'json-pointer': `^${POINTER}$`,
};

/** @returns undefined for a format that only annotates */
export function patternOfFormat(name: unknown): string | undefined {
  return typeof name === 'string' && Object.hasOwn(FORMATS, name) ? FORMATS[name] : undefined;
}
