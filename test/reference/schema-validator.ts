/**
 * A validator that is not ours, with formats as Node itself reads them.
 */
import { isIPv4, isIPv6 } from 'node:net';
import { Ajv2020 } from 'ajv/dist/2020.js';

const isDate = (text: string): boolean => new Date(`${text}T00:00:00Z`).toISOString().startsWith(text);
const isTime = (text: string): boolean => !Number.isNaN(Date.parse(`2024-01-01T${text}`));
const attempt = (check: (text: string) => boolean) => (text: string) => {
  try {
    return check(text);
  } catch {
    // Whatever can not be read is not of the format.
    return false;
  }
};

const FORMATS: Readonly<Record<string, (text: string) => boolean>> = {
  date: isDate,
  time: isTime,
  'date-time': (text) => isDate(text.slice(0, 10)) && text[10] === 'T' && isTime(text.slice(11)),
  email: (text) => /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text),
  hostname: (text) => new URL(`http://${text}/`).hostname.length > 0 && text.length < 254,
  ipv4: isIPv4,
  ipv6: isIPv6,
  uri: (text) => new URL(text).protocol.startsWith('http'),
  uuid: (text) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text),
  duration: (text) => /^P(?!$)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?$/.test(text),
  'json-pointer': (text) => /^(\/([^~/]|~[01])*)*$/.test(text),
};

/** @returns what is wrong with a value; undefined where it is valid */
export function faultOf(schema: object, text: string): string | undefined {
  const ajv = new Ajv2020({ strict: false, ownProperties: true, multipleOfPrecision: 6, logger: false });
  for (const [name, check] of Object.entries(FORMATS)) ajv.addFormat(name, attempt(check));
  return ajv.validate(schema, JSON.parse(text)) ? undefined : ajv.errorsText();
}
