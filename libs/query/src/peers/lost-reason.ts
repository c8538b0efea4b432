const why: Readonly<Record<string, string>> = {
  broken: 'its link broke',
  late: 'it did not answer in time',
  shed: 'it had too much to do',
  unread: 'it is of a version that cannot read the question',
  unsound: 'what it said cannot be',
};

/** Why nobody is known from a peer on, for people; a reason that this version does not know is told as it is. */
export function lostReasonText(reason: string): string {
  return why[reason] ?? reason;
}
