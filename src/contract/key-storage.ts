/** Under which name pages of the server keep the key of whoever visits them, in that browser and nowhere else. */
export const keyStorageName = 'soundstage.key';
