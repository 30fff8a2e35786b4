/* The version of what Python and the extensions expect of each other, as ABI in _engine.py: an extension of another
   version is not loaded. Raise both numbers with every change of a name, an argument or a meaning that the other side uses;
   a build may lag behind these files in nothing else, because git does not build. */

#define ABI 3
