/* The version of the interface between Python and the extensions; must equal ABI in _engine.py, or the extension is
   not loaded. Raise both with every change of a name, an argument or a meaning that the other side uses: a checkout
   of new files does not rebuild the extensions. */

#define ABI 10
