// The library's dependency injection asks for this to be loaded before it: import the library from here.
import 'reflect-metadata';

export * from '@peculiar/x509';
