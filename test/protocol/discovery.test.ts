/** What an announcement says, and what is believed of one. */
import * as fc from 'fast-check';
import * as v from 'valibot';
import * as assert from 'uvu/assert';
import {
  announcementTxt,
  discoveryKey,
  discoveryTag,
  InstanceName,
  isTagOf,
  makeInstanceName,
  readAnnouncementTxt,
} from '../../protocol/discovery.js';
import { spec } from '../support/spec.js';

const GROUP = Uint8Array.from({ length: 32 }, (_, at) => at);
const INSTANCE = v.parse(InstanceName, 'abcdefgh23');
const TAG = 'hlwnuiomq6yjoza6';
const txt = (...items: string[]): Uint8Array[] => items.map((item) => Buffer.from(item));

const NO_ANNOUNCEMENTS: Record<string, unknown> = {
  nothing: undefined,
  null: null,
  'a text': 'v=1',
  'no strings': [],
  'strings that are no bytes': ['v=1'],
  'another version': txt('v=2'),
  'no version': txt(`t=${TAG}`),
  'a version that is empty': txt('v'),
  'a second version': txt('v=2', 'v=1'),
  'a short tag': txt('v=1', 't=abc'),
  'a tag with a control character': txt('v=1', 't=hlwnuiomq6yjoz\u001b6'),
  'a tag of digits that base32 has not': txt('v=1', 't=0189uiomq6yjoza6'),
  'j that is not 1': txt('v=1', 'j=0'),
  'too many strings': txt('v=1', ...Array.from({ length: 16 }, (_, n) => `k${n}=1`)),
  'a string that is too long': [Buffer.from('v=1'), Buffer.alloc(256, 'x')],
};

spec('announcement', (it) => {
  it('has the published tag', () => {
    const key = discoveryKey(GROUP);
    assert.is(key.toString('hex'), '13c7cedf8b2cacec51d82b4700e2ff06092830940d656032bce82a416b1a7e1d');
    assert.is(discoveryTag(key, INSTANCE), TAG);
    assert.ok(isTagOf(TAG, key, INSTANCE));
  });

  it('has a tag that fits neither another instance nor another workgroup', () => {
    assert.not(isTagOf(TAG, discoveryKey(GROUP), v.parse(InstanceName, 'abcdefgh24')));
    assert.not(isTagOf(TAG, discoveryKey(new Uint8Array(32)), INSTANCE));
    assert.not(isTagOf('', discoveryKey(GROUP), INSTANCE));
  });

  it('is read as it was made, also where DNS changed the case', () => {
    for (const isJoinOpen of [true, false]) {
      const items = Object.entries(announcementTxt(TAG, isJoinOpen)).map(([key, value]) => `${key}=${value}`);
      assert.equal(readAnnouncementTxt(txt(...items)), { tag: TAG, isJoinOpen });
      assert.equal(readAnnouncementTxt(txt(...items.map((item) => item.toUpperCase()))), { tag: TAG, isJoinOpen });
    }
  });

  it('may say more than this version knows, and may have no tag', () => {
    assert.equal(readAnnouncementTxt(txt('v=1', 'new=\u0000\u001b', '__proto__=x', '=')), {
      tag: null,
      isJoinOpen: false,
    });
  });

  for (const [what, items] of Object.entries(NO_ANNOUNCEMENTS)) {
    it(`is not ${what}`, () => assert.is(readAnnouncementTxt(items), null));
  }

  it('is read or refused, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 }), (items) => {
        readAnnouncementTxt([...items, Buffer.from('v=1')]);
      }),
    );
  });

  it('has a name of ten symbols that says nothing', () => {
    const name = makeInstanceName((count) => Uint8Array.from({ length: count }, (_, at) => at * 29));
    assert.match(name, /^[a-z2-7]{10}$/);
    for (const bad of ['', 'abc', 'abcdefgh234', 'abcdefgh2.', 'abcdefgh21', 'ana-laptop']) {
      assert.not(v.is(InstanceName, bad), bad);
    }
  });
});
