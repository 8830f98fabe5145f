namespace OrleansChat.WebFront.Auth;

/// <summary>Who a good token says is there.</summary>
/// <param name="UserId">1–128 UTF-16 code units, no control characters; compared exactly.</param>
/// <param name="Username">The name shown to others; the same bounds. Not unique.</param>
/// <param name="Roles">Compared exactly, case included; see <see cref="Role"/> for the ones that mean something here.</param>
/// <param name="ExpiresAt">
/// From then on the token is no good. There is no cap: an <c>exp</c> beyond the year 9999 reads as <see cref="DateTimeOffset.MaxValue"/>, so a timer
/// set from it must bear a very long wait.
/// </param>
internal sealed record Identity(string UserId, string Username, IReadOnlySet<string> Roles, DateTimeOffset ExpiresAt)
{
    /// <summary>The most UTF-16 code units of a user id and of a username.</summary>
    public const int MaxChars = 128;

    /// <summary>Whether <paramref name="text"/> can be a user id or a username.</summary>
    public static bool Fits(string text) => text.Length is >= 1 and <= MaxChars && !text.AsSpan().ContainsControl();
}

/// <summary>The roles that mean something here.</summary>
internal static class Role
{
    public const string Admin = "admin";
    public const string Moderator = "moderator";
    public const string Service = "service";
    public const string Guest = "guest";
}

internal static class TextChecks
{
    /// <summary>Whether a control character (C0, DEL, C1) is anywhere in <paramref name="text"/>.</summary>
    public static bool ContainsControl(this ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (char.IsControl(c))
                return true;
        }
        return false;
    }
}
