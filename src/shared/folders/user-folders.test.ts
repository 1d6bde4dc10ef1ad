import { join } from 'node:path';
import { expect, test } from 'vitest';
import { userFolders } from './user-folders.ts';

const linux = { platform: 'linux', home: '/home/ann' };
const windows = { platform: 'win32', home: 'C:/Users/ann' };

test('they are the XDG folders, or where those are by default', () => {
  expect(userFolders({}, linux)).toEqual({ data: '/home/ann/.local/share', cache: '/home/ann/.cache' });
  const named = { XDG_DATA_HOME: '/data', XDG_CACHE_HOME: '/cache', LOCALAPPDATA: '/local' };
  expect(userFolders(named, linux)).toEqual({ data: '/data', cache: '/cache' });
  expect(userFolders({ XDG_DATA_HOME: '' }, linux).data).toBe('/home/ann/.local/share');
});

test('on Windows both are the local application data', () => {
  const named = { XDG_DATA_HOME: '/data', LOCALAPPDATA: 'D:/Local' };
  expect(userFolders(named, windows)).toEqual({ data: 'D:/Local', cache: 'D:/Local' });
  expect(userFolders({}, windows).data).toBe(join('C:/Users/ann', 'AppData', 'Local'));
});
