import { expect, test } from 'vitest';
import { certificateConditions, ExpiryNotice } from './expiry-notice.ts';

const hour = 3_600_000;

test('a certificate that nobody renews is told of once when it is late, and once when it has expired; a new one is another matter', () => {
  const lines: string[] = [];
  const say =
    (level: string) =>
    (_fields: object, message: string): void =>
      void lines.push(`${level} ${message.split(' ').slice(0, 4).join(' ')}`);
  const watch = { current: { peer: { validFrom: 0, expiresAt: 24 * hour }, authorityExpiresAt: 1e12 } };
  const notice = new ExpiryNotice(watch as never, { warn: say('warn'), error: say('error') } as never);
  const at = (hours: number): string[] => {
    notice.look(hours * hour);
    return lines.splice(0);
  };
  // Renewed with a third left, or late with a sixth left.
  expect(at(17)).toEqual([]);
  expect(at(20)).toEqual(['warn the certificate of this']);
  expect(at(21)).toEqual([]);
  expect(at(24)).toEqual(['error the certificate of this']);
  expect(at(25)).toEqual([]);
  watch.current.peer = { validFrom: 25 * hour, expiresAt: 49 * hour };
  expect(at(26)).toEqual([]);
  expect(at(45)).toEqual(['warn the certificate of this']);
  watch.current.authorityExpiresAt = 45 * hour + 29 * 24 * hour;
  expect(at(45)).toEqual(['warn an authority that this']);
});

test('the mesh is told of a certificate and of an authority that are late or have expired', () => {
  const material = { peer: { validFrom: 0, expiresAt: 24 * hour }, authorityExpiresAt: 100 * 24 * hour } as never;
  const at = (hours: number) => certificateConditions(material, hours * hour);
  expect(at(19)).toEqual([]);
  expect(at(20)).toEqual(['certificateLate']);
  expect(at(24)).toEqual(['certificateExpired']);
  expect(at(70 * 24)).toEqual(['certificateExpired', 'authorityLate']);
  expect(at(100 * 24)).toEqual(['certificateExpired', 'authorityExpired']);
});
