namespace OrleansChat.WebFront.Auth;

internal sealed class JwksKeys
{
}
