/** How a path is written into the files of systemd, launchd and Windows so that each reads it back as it was. Pure. */
import { PotluckError } from '../../../protocol/errors.js';

/**
 * One word of `ExecStart=` (systemd.service(5), "Command lines"). The program itself is the one word in which `$` means nothing.
 * @throws PotluckError NAME_INVALID: a path with a line break cannot be written there
 */
export function systemdWord(word: string, isProgram = false): string {
  const escaped = systemdText(word);
  return `"${isProgram ? escaped : escaped.replaceAll('$', '$$$$')}"`;
}

/** One assignment of `Environment=` (systemd.exec(5)): there `$` means nothing. */
export function systemdAssignment(name: string, value: string): string {
  return `"${name}=${systemdText(value)}"`;
}

/** Text of an XML element or attribute. */
export function xmlText(text: string): string {
  refuseControls(text);
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };
  return text.replaceAll(/[&<>"']/g, (sign) => entities[sign] ?? sign);
}

/** One word of a Windows command line, as CommandLineToArgvW reads it: backslashes count only before a quote. */
export function windowsWord(word: string): string {
  refuseControls(word);
  return `"${word.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`;
}

function systemdText(text: string): string {
  refuseControls(text);
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('%', '%%');
}

function refuseControls(text: string): void {
  if (/\p{Cc}/u.test(text)) throw new PotluckError('NAME_INVALID', 'a path with a line break cannot be a service’s');
}
