using System.Text;

namespace OrleansChat.Grains.Interfaces;

/// <summary>Which names a room may have: 1–64 UTF-16 code units of letters and digits of any script, <c>.</c>, <c>_</c>, <c>-</c>, <c>:</c>, in Unicode form NFC; compared exactly.</summary>
public static class RoomName
{
    /// <summary>UTF-16 code units.</summary>
    public const int MaxLength = 64;

    /// <summary>
    /// Pairs (first, last) of letters that NFC replaces by others, or joins with the letter before: Unicode 14, UAX #15, NFC_Quick_Check = No, and
    /// the conjoining vowels and finals of Hangul. <see cref="string.IsNormalized()"/> says yes to everything where globalization is invariant,
    /// as in the container images; combining marks are no letters, so letters are all that has to be looked at.
    /// </summary>
    private static ReadOnlySpan<int> NotInNfc =>
    [
        0x0374, 0x0374, 0x0958, 0x095F, 0x09DC, 0x09DF, 0x0A33, 0x0A33, 0x0A36, 0x0A36, 0x0A59, 0x0A5B, 0x0A5E, 0x0A5E, 0x0B5C, 0x0B5D,
        0x0F43, 0x0F43, 0x0F4D, 0x0F4D, 0x0F52, 0x0F52, 0x0F57, 0x0F57, 0x0F5C, 0x0F5C, 0x0F69, 0x0F69, 0x1161, 0x1175, 0x11A8, 0x11C2,
        0x1F71, 0x1F71, 0x1F73, 0x1F73, 0x1F75, 0x1F75, 0x1F77, 0x1F77, 0x1F79, 0x1F79, 0x1F7B, 0x1F7B, 0x1F7D, 0x1F7D, 0x1FBB, 0x1FBB,
        0x1FBE, 0x1FBE, 0x1FC9, 0x1FC9, 0x1FCB, 0x1FCB, 0x1FD3, 0x1FD3, 0x1FDB, 0x1FDB, 0x1FE3, 0x1FE3, 0x1FEB, 0x1FEB, 0x1FF9, 0x1FF9,
        0x1FFB, 0x1FFB, 0x2126, 0x2126, 0x212A, 0x212B, 0xF900, 0xFA0D, 0xFA10, 0xFA10, 0xFA12, 0xFA12, 0xFA15, 0xFA1E, 0xFA20, 0xFA20,
        0xFA22, 0xFA22, 0xFA25, 0xFA26, 0xFA2A, 0xFAD9, 0xFB1D, 0xFB1F, 0xFB2A, 0xFB4E, 0x2F800, 0x2FA1D,
    ];

    /// <summary>Whether this may name a room.</summary>
    public static bool IsValid(string? name)
    {
        if (name is not { Length: > 0 and <= MaxLength })
            return false;
        for (var i = 0; i < name.Length;)
        {
            if (!Rune.TryGetRuneAt(name, i, out var rune) || !IsAllowed(rune))
                return false;
            i += rune.Utf16SequenceLength;
        }

        return true;
    }

    private static bool IsAllowed(Rune rune) => rune.IsAscii
        ? Rune.IsLetterOrDigit(rune) || rune.Value is '.' or '_' or '-' or ':'
        : Rune.IsLetterOrDigit(rune) && IsNfc(rune.Value);

    private static bool IsNfc(int letter)
    {
        for (var i = 0; i < NotInNfc.Length && NotInNfc[i] <= letter; i += 2)
        {
            if (letter <= NotInNfc[i + 1])
                return false;
        }

        return true;
    }
}
