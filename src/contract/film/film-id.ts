/** The endpoint that makes films. */
export const filmId = 'soundstage/film';
